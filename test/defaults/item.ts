import type { Answer } from '../map/answer.ts';

/** A default of kubeadm, or of what it starts, that does not do for a cluster one depends on. */
export interface Default {
  /** `C29`: as people who talk about them number them. */
  readonly id: `C${number}`;
  /** What it is without anybody saying anything. */
  readonly byItself: string;
  /** Whom that bites, and when. */
  readonly bites: string;
  /** What Landfall does in its place: by which step, switched by which field, and why so. */
  readonly answer: Answer;
}

/** A group of them. */
export interface Subject {
  readonly title: string;
  readonly defaults: readonly Default[];
}
