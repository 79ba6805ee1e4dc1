/** The program of the Web Worker: one search, then nothing more. */
import { createSuite, type DigitSearch } from '@conclave/sealed-group';
import { runSearch } from '../search/slow-search.ts';

addEventListener('message', ({ data }: MessageEvent<DigitSearch>) => {
  runSearch(createSuite(), data, (message) => postMessage(message));
});
