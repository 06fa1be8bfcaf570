/** What surrounds a phone, and its battery, through the built command line. */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { socsim } from '../support/cli.ts';

const chat = ['run', '--soc', 'dimensity-9300', '--workload', 'llama-2-7b-chat'];
const metricsOf = async (...options: string[]): Promise<Record<string, number>> => {
  const { stdout, stderr } = await socsim([...chat, '--json', ...options]);
  expect(stderr).toBe('');
  return JSON.parse(stdout).metrics;
};

describe('socsim run, in hot air and cold', () => {
  it('takes case, air, screen and charger as options', async () => {
    const plain = await metricsOf();
    const wrapped = await metricsOf('--case', '--ambient', '35 °C', '--brightness', '1');
    expect(wrapped['skin_temperature_celsius']).toBeGreaterThan(
      plain['skin_temperature_celsius'] as number,
    );
    expect(wrapped['battery_hours']).toBeLessThan(plain['battery_hours'] as number);
    const charged = await metricsOf('--charge', '0.5', '--charging', '18 W', '--start', '30 °C');
    expect(charged['battery_ratio']).toBeLessThan(0);
    expect(charged['skin_temperature_celsius']).toBeGreaterThan(30);
  });

  it.each([
    [['--fan', 'huge'], /--fan/],
    [['--ambient', '90 °C'], /--ambient.*at most 60/],
    [['--charge', '2'], /--charge.*at most 1/],
    [['--charging', '18 V'], /--charging.*"V" measures voltage, expected power/],
    [['--heat-at', 'noon', '--out', 'x'], /--heat-at/],
  ])('refuses %s and says which option', async (options, message) => {
    const { code, stderr } = await socsim([...chat, ...options]);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(code).toBe(2);
  });

  it('says when the battery is empty, and what would help', async () => {
    const { code, stderr } = await socsim([...chat, '--charge', '0.01', '--duration', '10min']);
    expect(code).toBe(3);
    expect(stderr).toMatch(/battery is empty after \d+ s/);
    expect(stderr).toMatch(/what would help[\s\S]*charger/);
  });

  it('draws the die at the instant asked for', async () => {
    const out = join(mkdtempSync(join(tmpdir(), 'socsim-')), 'out');
    const { code } = await socsim([
      ...chat,
      '--set',
      'workload.generatedTokens=8',
      '--out',
      out,
      '--heat-at',
      '0.5s',
    ]);
    expect(code).toBe(0);
    const svg = readFileSync(join(out, 'charts', 'heatmap.svg'), 'utf8');
    expect(svg).toMatch(/Floorplan coloured by temperature at 500 ms/);
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('chart-heatmap');
  });
});
