import { expect } from 'vitest';
import { readCluster } from '../../src/config/load.ts';
import { asText } from '../../src/config/text.ts';
import { type Problem, Problems } from '../../src/model/problem.ts';

/** The shortest right cluster.yaml. */
export const harbour = `apiVersion: landfall/v1
kind: Cluster
name: harbour
kubernetes: "1.36"
nodes:
  - name: cp-0
    role: control-plane
    address: 10.0.0.11
`;

/** {@link harbour}, with one text in it in place of another. */
export const changed = (from: string, to: string): string => {
  expect(harbour).toContain(from);
  return harbour.replace(from, to);
};

/** What is wrong with a cluster.yaml, given what landfall.lock holds. */
export const problemsOf = (
  text: string,
  held?: { kubernetes: string; place: string },
): readonly Problem[] => {
  try {
    readCluster(asText('cluster.yaml', text), held);
    return [];
  } catch (error) {
    if (error instanceof Problems) return error.problems;
    throw error;
  }
};

/** What is told of a text: `line:column code | words | try`, the words meant in between. */
export const told = (text: string): readonly string[] =>
  problemsOf(text).map(({ code, where, try: hint }) => {
    const words = where?.text?.slice(where.column - 1, where.column - 1 + (where.length ?? 1));
    return `${where?.line}:${where?.column} ${code} | ${words} | ${hint}`;
  });
