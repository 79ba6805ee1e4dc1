/** The input that is being run, in shared memory: what a thread that hangs or dies cannot tell any more. */

const headerBytes = 8;

export interface FlightRecorder {
  readonly buffer: SharedArrayBuffer;
  /** Before an execution, in the thread that runs it. */
  write(bytes: Uint8Array): void;
  /** From another thread: number of executions begun, modulo 2^32, and the last input. */
  read(): { readonly begun: number; readonly bytes: Uint8Array };
}

export function createFlightRecorder(maxBytes: number): FlightRecorder {
  return openFlightRecorder(new SharedArrayBuffer(headerBytes + maxBytes));
}

export function openFlightRecorder(buffer: SharedArrayBuffer): FlightRecorder {
  const header = new Int32Array(buffer, 0, 2);
  const content = new Uint8Array(buffer, headerBytes);
  return {
    buffer,
    write(bytes) {
      content.set(bytes.subarray(0, content.length));
      header[1] = Math.min(bytes.length, content.length);
      Atomics.add(header, 0, 1);
    },
    read() {
      const begun = Atomics.load(header, 0) >>> 0;
      return { begun, bytes: content.slice(0, header[1]) };
    },
  };
}
