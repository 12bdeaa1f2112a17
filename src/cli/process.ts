import type { Interface } from 'node:readline';
import type { CliProcess, InStream, OutStream } from './context.ts';

/**
 * Node's own stream as ours. When it takes nothing more, what is written goes nowhere and nothing breaks: work on hosts is
 * brought to its end all the same.
 * @param onLoss told once why, unless the reader of a pipe has just gone: that is its right.
 */
function outStream(
  stream: NodeJS.WriteStream,
  onLoss: (error: NodeJS.ErrnoException) => void = () => undefined,
): OutStream {
  let isGone = false;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (!isGone && error.code !== 'EPIPE') onLoss(error);
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
      const { createInterface } = await import('node:readline');
      // Nothing comes of a stream that has ended, not even its end once more.
      if (stream.readableEnded || stream.destroyed) return undefined;
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

/** Says on standard error that standard output is incomplete. */
async function tellLoss(process: CliProcess, error: NodeJS.ErrnoException): Promise<void> {
  const [{ tell }, { outputTrouble }] = await Promise.all([import('./tell.ts'), import('./file-trouble.ts')]);
  tell({ process }, { color: 'auto', json: false, verbose: false }, outputTrouble(error));
}

/** The process Landfall really runs in. */
export function realProcess(own: NodeJS.Process): CliProcess {
  let isIncomplete = false;
  // The command has the last word on a failure of its own, and does not know of this one.
  own.on('exit', () => {
    if (isIncomplete && (own.exitCode ?? 0) === 0) own.exitCode = 1;
  });
  const real: CliProcess = {
    stdout: outStream(own.stdout, (error) => {
      isIncomplete = true;
      void tellLoss(real, error);
    }),
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
  return real;
}
