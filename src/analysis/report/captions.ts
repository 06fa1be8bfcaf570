/** One or two sentences under each chart for a reader who sees such a chart for the first time. */
import type { ChartName } from '../charts/summaries.ts';

export const CAPTIONS: Readonly<Record<ChartName, string>> = {
  ledger:
    'Every second a unit spent is booked under one cause, so the bars add up. Make the longest colour shorter and the run gets faster; the others hardly matter.',
  timeline:
    'Time runs to the right; each row is a unit or a request. Letters mark parts that are drawn larger below.',
  rate: 'What the user sees as typing speed. It falls as the conversation gets longer (more memory to read per token) and when heat lowers the clocks.',
  roofline:
    'How fast an operator ran (height) against how much arithmetic it does per byte of memory traffic (right). A mark on the slope is as fast as memory allows; one under the flat part leaves arithmetic unused.',
  bandwidth:
    'Generating a token reads nearly every weight once, so this traffic usually sets the token rate. The gap to the dashed peak is what the memory cannot give to this mix of accesses.',
  memory:
    'Weights stay for as long as the model is loaded; the key–value cache grows with the conversation.',
  power:
    'Watts by the part of the phone in which they turn to heat, stacked, so the upper edge is the whole phone.',
  energy:
    'The same energy told twice: by the supply it came from, and by what it bought. Leakage, standby and conversion loss run whether or not the model does.',
  temperature:
    'Chips heat within seconds, the body of a phone within minutes. Where a curve meets its dashed limit, the phone lowers clocks.',
  heatmap:
    'A block that does all the work is tens of kelvins hotter than its neighbours: millimetres of silicon carry heat sideways only so well. What touches the hand follows minutes later.',
  frequency:
    'Clock of each domain. A clock below its highest point is a choice of a governor; the marks say which and why.',
  security:
    'Bars are as thick as the powers of ten of their bytes. A secret in memory that every part may read is safe only where the strategy declares that it gives it up.',
  overlay:
    'Marks on their line mean that the description of the phone is right for this use. One that leaves it steadily points at a wrong number; one that scatters points at the measurement.',
};
