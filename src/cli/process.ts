import { createInterface, type Interface } from 'node:readline';
import type { CliProcess, InStream, OutStream } from './context.ts';

/** Node's own stream as ours; when the reader of a pipe has gone, what is written goes nowhere and nothing breaks. */
function outStream(stream: NodeJS.WriteStream): OutStream {
  let isGone = false;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    isGone = true;
  });
  return {
    write: (text) => isGone || stream.write(text),
    isTTY: stream.isTTY,
    get columns() {
      return stream.columns;
    },
    get rows() {
      return stream.rows;
    },
  };
}

function inStream(stream: NodeJS.ReadStream): InStream {
  let lines: { reader: Interface; next: AsyncIterator<string> } | undefined;
  return {
    isTTY: stream.isTTY,
    text: async () => {
      let all = '';
      stream.setEncoding('utf8');
      for await (const chunk of stream) all += chunk;
      return all;
    },
    line: async () => {
      if (lines === undefined) {
        const reader = createInterface({ input: stream });
        lines = { reader, next: reader[Symbol.asyncIterator]() };
      }
      const { value, done } = await lines.next.next();
      lines.reader.close();
      lines = undefined;
      return done === true ? undefined : value;
    },
  };
}

/** The process Landfall really runs in. */
export function realProcess(own: NodeJS.Process): CliProcess {
  return {
    stdout: outStream(own.stdout),
    stderr: outStream(own.stderr),
    get stdin() {
      return inStream(own.stdin);
    },
    env: own.env,
    cwd: own.cwd(),
    get exitCode() {
      return own.exitCode ?? null;
    },
    set exitCode(code) {
      own.exitCode = code ?? undefined;
    },
    now: () => Date.now(),
    every: (ms, call) => {
      const timer = setInterval(call, ms);
      timer.unref();
      return () => clearInterval(timer);
    },
    offset: -new Date().getTimezoneOffset(),
    onSignal: (signal, call) => {
      own.on(signal, call);
      return () => void own.off(signal, call);
    },
    exit: (code) => own.exit(code),
  };
}
