// Converts a stream of samples from one rate to another with a polyphase windowed-sinc filter. Pure: the audio worklet
// and the tests run the same code. State is kept between blocks, so the blocks' sizes change nothing in the result.

// Damping above the new Nyquist frequency, and the width of the filter's slope as a share of that frequency.
// The slope lies wholly below it, so nothing folds back; speech engines hear nothing in the last tenth.
const DAMPING_DB = 80;
const SLOPE = 0.1;

function greatestCommonDivisor(a, b) {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

// Zeroth-order modified Bessel function, the core of Kaiser's window.
function bessel(x) {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/**
 * Design the filter. Kaiser's formulas give the window and the length for the damping and slope above.
 * Returns {up, down, taps, bank}: rates as a reduced fraction, and one row of `taps` coefficients per phase.
 */
export function designFilter(fromRate, toRate) {
  const divisor = greatestCommonDivisor(fromRate, toRate);
  const up = toRate / divisor;
  const down = fromRate / divisor;
  // Frequencies as a share of fromRate.
  const nyquist = Math.min(fromRate, toRate) / 2 / fromRate;
  const slope = nyquist * SLOPE;
  const cutoff = nyquist - slope / 2;
  const beta = 0.1102 * (DAMPING_DB - 8.7);
  const half = Math.ceil((DAMPING_DB - 7.95) / (2.285 * 2 * Math.PI * slope) / 2);
  const taps = 2 * half;
  const bank = new Float32Array(up * taps);
  const row = new Float64Array(taps);
  for (let phase = 0; phase < up; phase += 1) {
    let sum = 0;
    for (let k = 0; k < taps; k += 1) {
      const at = phase / up + k - half;
      const angle = 2 * Math.PI * cutoff * at;
      const sinc = at === 0 ? 2 * cutoff : Math.sin(angle) / (Math.PI * at);
      row[k] = sinc * (bessel(beta * Math.sqrt(Math.max(0, 1 - (at / half) ** 2))) / bessel(beta));
      sum += row[k];
    }
    // Every phase passes a steady level unchanged, so switching between phases adds no ripple. Stored in reverse:
    // the loop in process() then runs forward through samples and coefficients alike.
    for (let k = 0; k < taps; k += 1) bank[phase * taps + k] = row[taps - 1 - k] / sum;
  }
  return { up, down, taps, bank };
}

export class Resampler {
  /** Rates in Hz; `maxBlock` is the largest number of samples given at once. */
  constructor(fromRate, toRate, maxBlock = 128) {
    this.same = fromRate === toRate;
    this.filter = this.same ? { up: 1, down: 1, taps: 1, bank: new Float32Array([1]) } : designFilter(fromRate, toRate);
    const { up, down, taps } = this.filter;
    this.history = new Float32Array(taps - 1 + maxBlock);
    this.output = new Float32Array(Math.ceil((maxBlock * up) / down) + 1);
    // Where the next output sample lies: whole input samples from the block's first one, and the phase after it.
    this.position = 0;
    this.phase = 0;
  }

  /**
   * Take a block, return how many samples now stand at the start of `output`. After n input samples in all, exactly
   * ceil(n * toRate / fromRate) have come out. The filter delays the sound by half its length (about 2 ms at 48 kHz).
   */
  process(block) {
    const { up, down, taps, bank } = this.filter;
    const { history, output } = this;
    const kept = taps - 1;
    history.set(block, kept);
    const stride = Math.floor(down / up);
    const remainder = down % up;
    let { position, phase } = this;
    let count = 0;
    while (position < block.length) {
      const row = phase * taps;
      let sum = 0;
      for (let k = 0; k < taps; k += 1) sum += history[position + k] * bank[row + k];
      output[count] = sum;
      count += 1;
      position += stride;
      phase += remainder;
      if (phase >= up) {
        phase -= up;
        position += 1;
      }
    }
    this.position = position - block.length;
    this.phase = phase;
    history.copyWithin(0, block.length, block.length + kept);
    return count;
  }
}
