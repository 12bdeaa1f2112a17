import type { RunEvent } from '../run/event.ts';
import { NOTHING_TOLD, reduce } from './state.ts';
import type { View, Write } from './view.ts';

/** An event as one line, with its newline: the same bytes in events.jsonl and in what --json prints. */
export function eventLine(event: RunEvent): string {
  return `${JSON.stringify(event)}\n`;
}

/** A document as --json prints it. */
export function documentText(document: unknown): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** The view for programs: one event a line and nothing else. */
export function jsonView(write: Write): View {
  let state = NOTHING_TOLD;
  return {
    state: () => state,
    onEvent: (event) => {
      state = reduce(state, event);
      write(eventLine(event));
    },
    say: () => undefined,
    close: () => undefined,
  };
}
