import { isIPv6 } from '../model/network.ts';
import { DEFAULT_MINOR, formatMinor } from '../model/version.ts';

/** What may be added to a problem when the mistake is a known one. */
export interface Hint {
  readonly why?: string;
  readonly try?: string;
  /** The value that was probably meant, in place of `try`. */
  readonly value?: string;
}

/** A known mistake: the fields it is made in, what it looks like, and what is said of it. */
interface Mistake {
  readonly fields: readonly string[];
  readonly looks: RegExp | ((value: string) => boolean);
  readonly hint: (value: string) => Hint;
}

const NAMES = ['name', 'lab', 'nodes[].name'];
const ADDRESSES = ['nodes[].address', 'nodes[].internalAddress'];
const NETWORKS = ['network.pods', 'network.services'];
const IPV4_ONLY = 'this version makes IPv4 clusters only: neither IPv6 nor dual stack';

/** The first that fits is told. */
const MISTAKES: readonly Mistake[] = [
  {
    fields: NAMES,
    looks: /^(?=.*[A-Za-z0-9])(?=.*[A-Z_ .])[\w .-]*$/,
    hint: (value) => ({
      why: 'Kubernetes and DNS know lower case only, and neither underscores, dots nor white space in a name',
      value: asName(value),
    }),
  },
  {
    fields: [...ADDRESSES, 'endpoint.address', 'endpoint.virtualIP'],
    looks: (value) => isIPv6(value.replace(/^\[|\](:\d+)?$/g, '')),
    hint: () => ({ why: IPV4_ONLY }),
  },
  {
    fields: ADDRESSES,
    looks: /^([\w.-]+@)?[\w.-]+(:\d+)?$/,
    hint: (value) => userAndPort(value),
  },
  {
    fields: [...ADDRESSES, 'endpoint.address', 'endpoint.virtualIP'],
    looks: /^\w+:\/\//,
    hint: (value) => ({
      why: 'an address is no URL',
      value: value
        .replace(/^\w+:\/\//, '')
        .replace(/[/?#][^]*$/, '')
        .toLowerCase(),
    }),
  },
  {
    fields: [...ADDRESSES, 'endpoint.virtualIP'],
    looks: /^[\d.]+\/\d+$/,
    hint: (value) => ({ why: 'an address has no prefix length', value: value.replace(/\/.*/, '') }),
  },
  {
    fields: ['endpoint.address', 'network.domain'],
    looks: /^(?=.*[A-Z])[\w.-]+(:\d+)?$/,
    hint: (value) => ({ why: 'kubeadm takes lower case only', value: value.toLowerCase() }),
  },
  { fields: NETWORKS, looks: /:/, hint: () => ({ why: IPV4_ONLY, try: 'write one IPv4 network' }) },
  {
    fields: NETWORKS,
    looks: /^[\d.]+$/,
    hint: (value) => ({
      why: 'the prefix length is missing: how many bits all its addresses share',
      value: `${value}/16`,
    }),
  },
  {
    fields: NETWORKS,
    looks: /^[\d./]+[,\s]/,
    hint: (value) => ({ why: 'one network is wanted, not several', value: value.replace(/[,\s][^]*/, '') }),
  },
  {
    fields: ['kubernetes'],
    looks: /^v1\.\d+(\.\d+)?$/i,
    hint: (value) => ({ why: 'the v belongs to the tag, not to the version', value: value.slice(1) }),
  },
  {
    fields: ['kubernetes'],
    looks: /^v?1\.\d+\.\d+-(alpha|beta|rc)/,
    hint: () => ({ why: 'pre-releases are not in the package repositories' }),
  },
  {
    fields: ['kubernetes'],
    looks: /^1\.\d+\.\d+-\d/,
    hint: (value) => ({
      why: 'Landfall finds the revision of the package itself',
      value: value.replace(/-.*/, ''),
    }),
  },
  {
    fields: ['kubernetes'],
    looks: /^(latest|stable|newest|\*|1|1\.x)$/,
    hint: () => ({ why: 'a cluster changes its minor only when told', value: formatMinor(DEFAULT_MINOR) }),
  },
  {
    fields: ['nodes[].hostKey'],
    looks: /^(SHA256|MD5):/,
    hint: () => ({
      why: 'this is a fingerprint; the key itself is wanted',
      try: 'landfall hosts trust prints the line',
    }),
  },
  {
    fields: ['nodes[].hostKey'],
    looks: /^ssh-dss /,
    hint: () => ({ why: 'OpenSSH takes DSA keys no longer', try: 'pin the ssh-ed25519 key of the host' }),
  },
  {
    fields: ['nodes[].hostKey'],
    looks: /(^|\s)(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/]{40,}=*(\s|$)/,
    hint: (value) => ({
      why: 'the type and the key are wanted, neither host nor comment',
      value: /(?:ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/]+=*/.exec(value)?.[0] ?? value,
    }),
  },
];

/** Longer values than this are not looked at closely. */
const LONGEST = 1000;

/** What cannot be seen on a screen, or is easily taken for something else. */
const UNSEEN = /[\u0000-\u001f\u007f-\u00a0\u00ad\u061c\u2000-\u200f\u2028-\u202f\u205f-\u2069\u3000\ufeff]/u;

/** Takes a field and a text that has not its format; gives the reason and the remedy of the mistakes people make. */
export function formatHint(field: string, value: string): Hint {
  if (value.length > LONGEST) return { why: `it is ${value.length} characters long` };
  const found = MISTAKES.find(
    ({ fields, looks }) =>
      fields.includes(field) && (looks instanceof RegExp ? looks.test(value) : looks(value)),
  );
  return found?.hint(value) ?? commonHint(value);
}

function commonHint(value: string): Hint {
  const unseen = UNSEEN.exec(value)?.[0].codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
  if (value === '') return { why: 'it is empty' };
  if (/[\r\n]/.test(value)) return { why: 'it holds a line break' };
  if (value.startsWith('-')) return { why: 'a value that begins with a hyphen would be taken for an option' };
  if (value !== value.trim())
    return { why: 'there is white space at its beginning or end', value: value.trim() };
  if (unseen !== undefined) return { why: `it holds the character U+${unseen}, which cannot be seen` };
  // “ ” „ ‘ ’ « »
  if (/[\u201C\u201D\u201E\u2018\u2019\u00AB\u00BB]/.test(value))
    return { why: 'these quotation marks are part of the value', try: 'use straight ones: " or \'' };
  if (/[$%`"';&|<>(){}!*?\\]/.test(value))
    return { why: 'it holds characters that a shell or ssh gives a meaning; no such value is passed on' };
  return {};
}

function userAndPort(value: string): Hint {
  const [, user, host, port] = /^(?:([^@]+)@)?([^:]+)(?::(\d+))?$/.exec(value) ?? [];
  const fields = [
    ...(user === undefined ? [] : [`user: ${user}`]),
    ...(port === undefined ? [] : [`port: ${port}`]),
  ];
  if (fields.length === 0) return commonHint(value);
  return {
    why: 'user and port have fields of their own',
    try: `address: ${host}, and ssh: { ${fields.join(', ')} }`,
  };
}

function asName(value: string): string {
  return value
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 63)
    .replace(/-+$/, '');
}
