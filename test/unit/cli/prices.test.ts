import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { priceBook } from '../../../lib/budget/prices/book.ts';
import { temporaryFolder } from '../../_helpers/temporary-folder.ts';
import { cli } from './cli-harness.ts';

/** A project with prices of its own. */
function project(prices: unknown): string {
  const dir = temporaryFolder();
  writeFileSync(join(dir, 'cdk.json'), JSON.stringify({ context: { 'wflo:prices': 'prices.json' } }));
  writeFileSync(join(dir, 'prices.json'), JSON.stringify(prices));
  return dir;
}

const OURS = {
  provider: 'bedrock',
  model: 'gpt-5',
  contextWindow: 1000,
  maxOutputTokens: 100,
  tiers: [{ aboveInputTokens: 0, dollarsPerMillionTokens: { input: '0.0375', output: '1', inputAudio: '2' } }],
  accepts: { images: false, documents: false, audio: true },
  reason: 'agreed',
};
describe('prices', () => {
  it('shows rates, tiers, fees, window, source and the hash of the book', async () => {
    expect(await cli(['prices', 'gpt-5.4'])).toEqual({
      code: 0,
      stdout: [
        'openai gpt-5.4',
        '  window          1,050,000 tokens',
        '  output at most  128,000 tokens',
        '  accepts         text, images, documents',
        '  source          genai-prices 0.1.8: gpt-5.4',
        '  dollars for a million tokens  up to 271,999 of input  above 271,999 of input',
        '  input                         $2.50                   $5.00',
        '  cacheRead                     $0.25                   $0.50',
        '  output                        $15.00                  $22.50',
        '  dollars for one use',
        '  webSearch            $0.01',
        '  fileSearch           $0.0025',
        '',
        `price book ${priceBook().sha256}`,
        '',
      ].join('\n'),
      stderr: '',
    });
  });

  it('shows the entry of every provider, with the prices of the project', async () => {
    const projectDir = project({ models: [OURS] });
    const { stdout } = await cli(['prices', 'gpt-5'], { projectDir });
    expect(stdout).toContain('bedrock gpt-5\n  window          1,000 tokens\n');
    expect(stdout).toContain('  accepts         text, audio\n  source          prices.json: agreed\n');
    expect(stdout).toContain('openai gpt-5\n');
    expect(stdout).not.toContain(priceBook().sha256);

    const json = JSON.parse((await cli(['prices', 'gpt-5', '--json'], { projectDir })).stdout);
    expect(json.models.map(({ provider }: { provider: string }) => provider)).toEqual(['bedrock', 'openai']);
    expect(json.models[0].tiers[0].rates).toEqual({
      input: 37_500_000,
      output: 1_000_000_000,
      inputAudio: 2_000_000_000,
    });
    expect(json).toMatchObject({
      generatedFrom: priceBook().generatedFrom,
      priceBook: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('knows no model by a name that is only near', async () => {
    const { code, stdout, stderr } = await cli(['prices', 'claude-opus-5-20991231']);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('unknown_model: the price book has no model "claude-opus-5-20991231"');
    expect(stderr).toContain('use one of: claude-opus-5-5, claude-opus-5,');
    expect((await cli(['prices', '???'])).stderr).toContain('add the model as docs/guides/prices.md says');
  });

  it('tells what is wrong with the prices of the project', async () => {
    const projectDir = project({ models: [{ ...OURS, contextWindow: '1000', reason: '' }] });
    const { code, stderr } = await cli(['prices', 'gpt-5'], { projectDir });
    expect(code).toBe(1);
    expect(stderr).toContain('invalid_prices: prices.json: models[0] (bedrock/gpt-5).contextWindow: ');
    expect(stderr).toContain('\n  prices.json: models[0] (bedrock/gpt-5).reason: ');
    expect(stderr.split('\n').filter((line) => line.includes('models[0]'))).toHaveLength(2);
  });
});
