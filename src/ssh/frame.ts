/** What is between two marks on one stream: everything a script printed, and nothing a login shell did. */
export interface Frame {
  /** Takes the next piece of the stream. */
  readonly push: (chunk: string) => void;
  /** What came before the first mark: a login shell's noise, or why there is no shell. At most the last 64 KiB of it. */
  readonly noise: () => string;
}

/** Who is told what a {@link Frame} finds. */
export interface FrameListener {
  readonly onStart: () => void;
  readonly onData: (text: string) => void;
  /** @param tail what stood behind the closing mark on its line. */
  readonly onEnd: (tail: string) => void;
}

const NOISE_KEPT = 65_536;

/** How many characters at the end of the text may be the beginning of the mark. */
function begunAtEnd(text: string, mark: string): number {
  const from = text.lastIndexOf(mark.charAt(0));
  return from >= 0 && text.length - from < mark.length && mark.startsWith(text.slice(from))
    ? text.length - from
    : 0;
}

/**
 * Finds what stands between the line `MARK` and the next `MARK…` line. Text is told as soon as it cannot be part of the mark, so
 * a record that has its line end is never held back.
 * @param mark begins with a character found nowhere else in it.
 */
export function frame(mark: string, listener: FrameListener): Frame {
  let state: 'before' | 'inside' | 'after' = 'before';
  let held = '';
  const before = (): void => {
    const at = held.indexOf(`${mark}\n`);
    if (at < 0) {
      if (held.length > 2 * NOISE_KEPT) held = held.slice(-NOISE_KEPT);
      return;
    }
    state = 'inside';
    held = held.slice(at + mark.length + 1);
    listener.onStart();
    inside();
  };
  const inside = (): void => {
    const at = held.indexOf(mark);
    const end = at < 0 ? -1 : held.indexOf('\n', at);
    const sure = at < 0 ? held.length - begunAtEnd(held, mark) : at;
    if (sure > 0) {
      listener.onData(held.slice(0, sure));
      held = held.slice(sure);
    }
    if (end < 0) return;
    state = 'after';
    const tail = held.slice(mark.length, end - sure);
    held = '';
    listener.onEnd(tail.trim());
  };
  return {
    push: (chunk) => {
      if (state === 'after') return;
      held += chunk;
      if (state === 'before') before();
      else inside();
    },
    noise: () => (state === 'before' ? held.slice(-NOISE_KEPT) : ''),
  };
}
