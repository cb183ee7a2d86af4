import { decimalUsd, type NanoUsd } from '../../budget/money.ts';
import type { LimitSource, ModelPrice, RateTier } from '../../budget/price-book.ts';
import { FEE_CLASSES, TOKEN_CLASSES } from '../../budget/usage.ts';
import { WfloError } from '../../errors.ts';
import type { Command } from '../command.ts';
import type { Style } from '../style.ts';
import { table } from '../table.ts';

export const prices: Command = {
  name: 'prices',
  summary: 'show what a model costs, and where its price and limits are from',
  description:
    'Reads the price book of this version, with the prices that `wflo:prices` in `cdk.json` adds; needs no deployment and no network. ' +
    'Names are exact: a name that the book does not have is not charged as a near one, and its calls are denied.',
  positionals: [{ name: 'model', summary: 'the name as a request gives it, such as gpt-5 or us.amazon.nova-pro-v1:0' }],
  options: [],
  json:
    '`{ priceBook, generatedFrom, models }`, one of `models` for each provider that has the name: `{ provider, model, ' +
    'contextWindow, maxOutputTokens, tiers: [{ aboveInputTokens, rates }], fees, accepts, source, limits: [{ at, of, date }], ' +
    'unverified }`, with `unverified` where a person still has to look something up; rates are for a million tokens, ' +
    'fees for one use; every amount is a whole number of billionths of a US dollar',
  examples: [
    { command: 'wflo prices claude-opus-5', shows: 'rates, window, and source of the model' },
    { command: 'wflo prices gpt-5 --json | jq .models[0].tiers[0].rates', shows: 'rates in billionths of a dollar' },
  ],
  async run(invocation, { output, projectDir }) {
    const name = invocation.positional('model');
    const [{ PRICES_KEY, projectPriceBook }, { entriesOf, limitSourcesOf, nearModels }, { projectContextValue }] =
      await Promise.all([
        import('../../project/project-prices.ts'),
        import('../../budget/prices/lookup.ts'),
        import('../../local-cloud/stage.ts'),
      ]);
    const book = await projectPriceBook(projectDir, await projectContextValue(projectDir, PRICES_KEY));
    const models = entriesOf(book, name);
    if (models.length === 0) {
      const near = nearModels(book, undefined, name);
      throw new WfloError('unknown_model', `the price book has no model "${name}"`, {
        fix:
          near.length === 0
            ? 'give the exact name, or add the model as docs/guides/prices.md says'
            : `use one of: ${near.join(', ')}; or add the model as docs/guides/prices.md says`,
        details: { model: name, near },
      });
    }
    const sourced = models.map((price) => ({ price, limits: limitSourcesOf(book, price) }));
    output.result(
      {
        priceBook: book.sha256,
        generatedFrom: book.generatedFrom,
        models: sourced.map(({ price, limits }) => ({ ...price, limits })),
      },
      () => [
        ...sourced.flatMap(({ price, limits }) => [...priceLines(price, limits, output.style), '']),
        output.style('dim', `price book ${book.sha256}`),
      ],
    );
  },
};

export function priceLines(price: ModelPrice, limits: readonly LimitSource[], style: Style): string[] {
  const { provider, model, contextWindow, maxOutputTokens, tiers, fees, accepts, source, unverified } = price;
  const kinds = (['images', 'documents', 'audio'] as const).filter((kind) => accepts[kind]);
  const classes = TOKEN_CLASSES.filter((token) => tiers.some(({ rates }) => rates[token] !== undefined));
  const used = FEE_CLASSES.filter((fee) => fees[fee] !== undefined);
  const text = (amount: NanoUsd | undefined): string => (amount === undefined ? '-' : `$${decimalUsd(amount)}`);
  return [
    style('bold', `${provider} ${model}`),
    ...table([
      ['  window', `${grouped(contextWindow)} tokens`],
      ['  output at most', `${grouped(maxOutputTokens)} tokens`],
      ['  accepts', ['text', ...kinds].join(', ')],
      ['  source', source],
      ...limits.map((one, index) => [index === 0 ? '  limits from' : '', sourceText(one)]),
      ...(unverified === undefined ? [] : [['  unverified', unverified]]),
    ]),
    ...table([
      ['  dollars for a million tokens', ...tiers.map((_, index) => tierTitle(tiers, index))].map((title) =>
        style('dim', title),
      ),
      ...classes.map((token) => [`  ${token}`, ...tiers.map(({ rates }) => text(rates[token]))]),
    ]),
    ...(used.length === 0
      ? []
      : table([[style('dim', '  dollars for one use'), ''], ...used.map((fee) => [`  ${fee}`, text(fees[fee])])])),
  ];
}

function sourceText({ at, of, date }: LimitSource): string {
  return `${at} (${[of.join(', '), ...(date === undefined ? [] : [date])].join('; ')})`;
}

/** What a request has of input to be charged by the tier. */
function tierTitle(tiers: readonly RateTier[], index: number): string {
  const [above, next] = [tiers[index]?.aboveInputTokens ?? 0, tiers[index + 1]?.aboveInputTokens];
  if (next === undefined) return above === 0 ? '' : `above ${grouped(above)} of input`;
  return `up to ${grouped(next)} of input`;
}

function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
