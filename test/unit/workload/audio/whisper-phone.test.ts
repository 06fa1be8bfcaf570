import { describe, expect, it } from 'vitest';
import { simulate } from '../../../../src/api.ts';

/** Encoder of 30 s on a Snapdragon 8 Gen 3 in FP16, ms: Qualcomm AI Hub, qnn_context_binary, February 2026 (no fit has seen them). */
const MEASURED = {
  'whisper-tiny': 12.973,
  'whisper-base': 27.1,
  'whisper-small': 84.552,
  'whisper-large-v3-turbo': 424.71,
};

function encoderMilliseconds(model: string): number {
  const scenario = { soc: 'snapdragon-8-gen-3', workload: 'whisper-small-dictation' };
  const { phases } = simulate(scenario, [
    `workload.model=${model}`,
    'workload.tokensPerSecond=0.1',
  ]);
  const encoder = phases.find(({ stage }) => stage === 'audio-encoder')!;
  return 1000 * (encoder.endSeconds - encoder.startSeconds);
}

describe("Whisper's encoder beside measured ones", () => {
  it.each(Object.entries(MEASURED))('%s is no more than 40 %% away', (model, measured) => {
    const predicted = encoderMilliseconds(model);
    expect(predicted / measured).toBeGreaterThan(0.6);
    expect(predicted / measured).toBeLessThan(1.4);
  });
});
