import { describe, expect, it } from 'vitest';
import { predictFile } from '../../../../src/calibration/device/predict-file.ts';
import { sources } from '../../../support/sources.ts';

const header = 'id,model,component,resolution,soc,unit,runtime,precision,latency_ms';
const predict = (...lines: string[]) =>
  predictFile(`${[header, ...lines].join('\n')}\n`, 'd.csv', sources, () => undefined);
const on = 'Snapdragon 8 Gen 3,npu,qnn_context_binary,w8a16';

describe('parts of image generators', () => {
  it('are predicted from their own graphs', () => {
    // Qualcomm AI Hub on a Galaxy S24: 69.26 ms for one pass, 201.8 ms for the decoder, 5.78 ms for the text encoder.
    const { rows, unmapped } = predict(
      `u,sd_v2_1,unet_step,512x512,${on},69.26`,
      `v,sd_v2_1,vae_decoder,512x512,${on},201.8`,
      `t,sd_v2_1,text_encoder,512x512,${on},5.78`,
    );
    expect(unmapped).toEqual([]);
    expect(rows.map(({ quantity }) => quantity)).toEqual([
      'unet_step',
      'vae_decoder',
      'text_encoder',
    ]);
    for (const { error } of rows) expect(Math.abs(error)).toBeLessThan(0.6);
  });

  it.each([
    ['x,flux,unet_step,512x512', /structure of flux/],
    ['x,sd_v1_5,controlnet,512x512', /"controlnet" has no graph/],
    ['x,sd_v1_5,unet_step,1024x1024', /not 512x512/],
  ])('say why not: %s', (line, reason) => {
    expect(predict(`${line},${on},9`).unmapped[0]?.reason).toMatch(reason);
  });
});
