/** One line about every chart, for lists and reports; apart from the drawing so that listing loads no d3. */

/** In the order in which a reader asks: what happened, why, and at what cost in watts and heat. */
export const chartSummaries = {
  ledger: 'where the time went, by phase and by operator, split by what held it up',
  timeline: 'what each unit and request did over time, with closer views of dense parts',
  rate: 'tokens per second over time',
  roofline: 'attained rate of every operator against the compute and memory roofs of its unit',
  bandwidth: 'DRAM bandwidth over time, stacked by unit, against the peak',
  memory: 'what fills DRAM, against its capacity',
  power: 'power over time, stacked by part of the phone',
  energy: 'joules by rail and by what they were spent on',
  temperature: 'temperature of nodes over time with trip points and the skin limit',
  heatmap: 'how warm each block of the die is at one instant, and the phone around it',
  frequency: 'clock of every domain over time with caps and the reason of each change',
  security: 'who reads and writes what in which memory, how secret it is, and whether it may',
  overlay: 'what was measured laid over what the run predicts (run --overlay)',
} as const;

export type ChartName = keyof typeof chartSummaries;
