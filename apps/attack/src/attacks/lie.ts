/** What a lie is, and where it is told: a group of Ada, Bo and a malicious founder, whose server is a proxy that lies. */
import type { LyingServer } from '@conclave/testkit';
import type { HonestProcess } from '../honest/honest-process.ts';
import type { Arena } from '../stage.ts';

export interface Scene {
  readonly arena: Arena;
  readonly lying: LyingServer;
  readonly ada: HonestProcess;
  readonly bo: HonestProcess;
  /** Says it and waits until the speaker and these others have it. */
  readonly say: (speaker: HonestProcess, text: string, ...hearers: readonly HonestProcess[]) => Promise<void>;
  /** The number of the newest frame. */
  readonly lastSeq: () => Promise<number>;
}

export interface Lie {
  readonly name: string;
  readonly tell: (scene: Scene) => Promise<void>;
  /** Who must notice. */
  readonly noticed: readonly ('Ada' | 'Bo')[];
}
