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
        '  limits from     developers.openai.com/api/docs/models/gpt-5.4 (window, output, accepts)',
        '                  platform.openai.com/docs/api-reference/responses/create, max_output_tokens (reasoning)',
        '                  developers.openai.com/api/docs/guides/file-inputs (accepts)',
        '                  developers.openai.com/api/docs/pricing (fees)',
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

  it('shows what of the limits is unverified, and the day of a source that has one', async () => {
    const { stdout } = await cli(['prices', 'amazon.nova-premier-v1:0']);
    expect(stdout).toMatch(/\n {2}limits from {5}Bedrock to Nova Premier: .* \(output\)\n {18}docs\.aws\.amazon\.com/);
    expect(stdout).toMatch(/\n {2}unverified {6}the guide says 10K/);
    expect((await cli(['prices', 'claude-opus-4-1'])).stdout).toContain(
      'models.dev (window, output, accepts; 2026-07-02)',
    );

    const json = JSON.parse((await cli(['prices', 'amazon.nova-premier-v1:0', '--json'])).stdout);
    expect(json.models[0].limits[1]).toEqual({
      at: 'docs.aws.amazon.com/bedrock/latest/userguide/model-card-amazon-nova-premier.html',
      of: ['window', 'output', 'accepts'],
    });
    expect(json.models[0].unverified).toContain('the guide says 10K');
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
