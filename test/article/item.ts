import type { Answer } from '../map/answer.ts';

export * from '../map/answer.ts';

/*
 * What became of each thing the article says or does: the source of docs/article-map.md. An answer is a sentence with pointers in it.
 */

/** One of the things the article says or does. */
export interface Item {
  /** Its number, from 1, in the article's order. */
  readonly number: number;
  /** What the article says there, in our words. */
  readonly what: string;
  readonly answer: Answer;
}

/** A chapter of the article. */
export interface Chapter {
  readonly title: string;
  readonly items: readonly Item[];
}

/** Takes the number, what the article says, and what became of it. */
export function item(number: number, what: string, answer: Answer): Item {
  return { number, what, answer };
}
