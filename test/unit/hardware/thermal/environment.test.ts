import { expect, it } from 'vitest';
import { environmentSchema } from '../../../../src/hardware/thermal/environment.ts';

it('takes the air that the models hold for', () => {
  expect(environmentSchema.parse({ ambient: '0 °C', start: '60 °C' })).toMatchObject({
    ambient: 0,
    start: 60,
  });
});

it.each([
  ['-20 °C', 'must be at least 0 °C: the models of body, battery and leakage hold from 0 °C'],
  ['61 °C', 'must be at most 60 °C: the models of body, battery and leakage hold'],
])('says why it refuses air of %s', (ambient, message) => {
  const { error } = environmentSchema.safeParse({ ambient });
  expect(error?.issues[0]?.message).toContain(message);
});
