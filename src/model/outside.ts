/** A certificate authority that is to be trusted, beside those the distribution brings. */
export interface Authority {
  /** The name of its file on a host, of its own name and a part of its fingerprint: `corporate-root-1a2b3c4d.crt`. */
  readonly file: string;
  /** Its certificate, and nothing else (PEM). */
  readonly pem: string;
  /** The SHA-256 (hex) of {@link pem}. */
  readonly sha256: string;
}

/** The proxies that what runs on hosts goes through to the outside: URLs, without anybody's name or password in them. */
export interface Proxy {
  readonly http?: string;
  readonly https?: string;
  /** What else is reached without: names, names below a dot, addresses, networks. */
  readonly noProxy: readonly string[];
}
