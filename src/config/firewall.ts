import { parseCidr } from '../model/network.ts';
import type { Problem } from '../model/problem.ts';
import { addressesOf, type Draft, listPaths, nodePaths, nodeTitle, textAt, valueAt } from './draft.ts';
import { valueProblem } from './page.ts';
import type { Path } from './tree.ts';

const ALLOW: Path = ['firewall', 'allow'];

/** Checks that a firewall can name who it lets in: nodes by their addresses, networks by their first, ports in order. */
export function checkFirewall(draft: Draft): readonly Problem[] {
  const mode = textAt(draft, ['firewall', 'mode']);
  const sources = [
    ...listPaths(draft, ['firewall', 'admins']),
    ...listPaths(draft, ALLOW).flatMap((path) => listPaths(draft, [...path, 'from'])),
  ];
  return [
    ...(mode === undefined || mode === 'none'
      ? []
      : nodePaths(draft).flatMap((path) => nameless(draft, path))),
    ...sources.flatMap((path) => notANetwork(draft, path)),
    ...listPaths(draft, ALLOW).flatMap((path) => backwards(draft, path)),
  ];
}

function nameless(draft: Draft, path: Path): readonly Problem[] {
  if (textAt(draft, [...path, 'address']) === undefined || addressesOf(draft, path).length > 0) return [];
  return [
    valueProblem(draft.page, [...path, 'address'], {
      code: 'firewall/address',
      summary: `${nodeTitle(draft, path)} has no address the firewall could name`,
      why: 'the rules of every host name the other nodes by address, also while a node is away and cannot be asked for its own',
      try: 'internalAddress: the IPv4 address the other nodes reach it by',
    }),
  ];
}

function notANetwork(draft: Draft, path: Path): readonly Problem[] {
  const text = textAt(draft, path);
  if (text === undefined || !text.includes('/') || parseCidr(text) !== 'host bits') return [];
  return [
    valueProblem(draft.page, path, {
      code: 'firewall/network',
      summary: `${text} is no network: its address is not the first one`,
      why: 'whether one host or the network around it is meant could only be guessed',
      try: `${text.split('/')[0]} for the one host, or the first address of the network before the slash`,
    }),
  ];
}

function backwards(draft: Draft, path: Path): readonly Problem[] {
  const [port, through] = [valueAt(draft, [...path, 'port']), valueAt(draft, [...path, 'through'])];
  if (typeof port !== 'number' || typeof through !== 'number' || through >= port) return [];
  return [
    valueProblem(draft.page, [...path, 'through'], {
      code: 'firewall/ports',
      summary: `there are no ports from ${port} through ${through}`,
      why: 'through is the last port of several, port the first',
      try: `through: ${port} or a port above it, or leave it out for one port alone`,
    }),
  ];
}
