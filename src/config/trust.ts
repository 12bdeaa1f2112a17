import type { X509Certificate } from 'node:crypto';
import type { Authority } from '../model/outside.ts';
import { Problem } from '../model/problem.ts';
import { type Draft, listPaths, textAt } from './draft.ts';
import { valueProblem } from './page.ts';
import type { Path } from './tree.ts';

/** Reads a file named in cluster.yaml. @throws Problem when it cannot be read. */
export type Beside = (path: string) => string;

/** The authorities a cluster.yaml names, and what is wrong with their files. */
export interface Trusted {
  readonly authorities: readonly Authority[];
  readonly problems: readonly Problem[];
}

/** Loaded where a cluster.yaml names certificates, and for no other. */
const crypto = () => process.getBuiltinModule('node:crypto');

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\r?\n[^]*?-----END \1-----/g;

/** Reads the certificates that `trust` names, and checks that each is one an authority signs with, today. */
export function readTrust(draft: Draft, beside: Beside, now: Date): Trusted {
  const problems: Problem[] = [];
  const authorities = new Map<string, Authority>();
  for (const path of listPaths(draft, ['trust'])) {
    const file = textAt(draft, path);
    if (file === undefined) continue;
    const found = read(file, beside, now);
    if ('summary' in found) problems.push(problemAt(draft, path, found));
    else for (const one of found.authorities) authorities.set(one.file, one);
  }
  return { authorities: [...authorities.values()], problems };
}

interface Wrong {
  readonly code: string;
  readonly summary: string;
  readonly why: string;
  readonly try: string;
}

function problemAt(draft: Draft, path: Path, { code, ...said }: Wrong): Problem {
  return valueProblem(draft.page, path, { code: `trust/${code}`, ...said });
}

function read(
  file: string,
  beside: Beside,
  now: Date,
): Wrong | { readonly authorities: readonly Authority[] } {
  let text: string;
  try {
    text = beside(file);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const why = error.code === 'file/not-utf8' ? 'it is no text: perhaps DER' : error.summary;
    const help = `name a PEM file beside cluster.yaml; openssl x509 -inform DER -in FILE -out ${file} makes one out of DER`;
    return { code: 'file', summary: `${file} cannot be read as certificates`, why, try: help };
  }
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    return {
      code: 'private-key',
      summary: `${file} holds a private key`,
      why: 'only the certificate of an authority is given to hosts; with its key anybody could be anybody',
      try: 'take the key out of the file, and give it up when the file was in git: whoever has read it can sign in its name',
    };
  }
  const blocks = [...text.matchAll(BLOCK)]
    .filter(([, kind]) => kind === 'CERTIFICATE')
    .map(([block]) => block);
  if (blocks.length === 0) {
    return {
      code: 'no-certificate',
      summary: `${file} holds no certificate`,
      why: 'a certificate begins with the line -----BEGIN CERTIFICATE-----',
      try: `openssl x509 -in ${file} -noout -subject shows what is in it`,
    };
  }
  const authorities: Authority[] = [];
  for (const block of blocks) {
    const one = authority(file, block, now);
    if ('summary' in one) return one;
    authorities.push(one);
  }
  return { authorities };
}

function authority(file: string, block: string, now: Date): Wrong | Authority {
  const certificate = parsed(block);
  if (certificate === undefined) {
    return {
      code: 'no-certificate',
      summary: `what stands in ${file} as a certificate is none`,
      why: 'between its first and its last line is something else, or a part is missing',
      try: `openssl x509 -in ${file} -noout -text; fetch the file anew`,
    };
  }
  const name = nameOf(certificate);
  const until = new Date(certificate.validTo);
  if (until <= now) {
    return {
      code: 'expired',
      summary: `the certificate of ${name} in ${file} ran out on ${until.toISOString().slice(0, 10)}`,
      why: 'what it has signed is refused by every program, on every host',
      try: 'put the authority’s new certificate in its place, or take the file out of trust',
    };
  }
  if (!certificate.ca) {
    return {
      code: 'no-authority',
      summary: `the certificate of ${name} in ${file} is not that of an authority`,
      why: 'it is that of one server: programs do not take it for a signer',
      try: 'name the certificate of whoever signed it; of a self-signed one, make it anew with basicConstraints=CA:TRUE',
    };
  }
  const pem = `${block.replaceAll('\r', '')}\n`;
  const slug = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 40);
  const print = certificate.fingerprint256.replaceAll(':', '').slice(0, 8).toLowerCase();
  return {
    file: `${slug === '' ? 'authority' : slug}-${print}.crt`,
    pem,
    sha256: crypto().createHash('sha256').update(pem).digest('hex'),
  };
}

function parsed(block: string): X509Certificate | undefined {
  try {
    const { X509Certificate } = crypto();
    return new X509Certificate(block);
  } catch {
    return undefined;
  }
}

/** The common name of whom a certificate is of, or else what it is called at all. */
function nameOf({ subject }: X509Certificate): string {
  const parts = (subject ?? '').split('\n');
  return parts.find((part) => part.startsWith('CN='))?.slice(3) ?? parts.at(-1)?.replace(/^\w+=/, '') ?? '';
}
