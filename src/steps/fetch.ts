import { type Shell, sh } from '../shell/sh.ts';

/**
 * Fetches a file over https with apt's own downloader: it is on every host, and takes the way apt takes (proxies,
 * certificates), so that what can be fetched here can be installed too. Its complaints begin with `E: Failed to fetch`.
 * @param way options of apt's for a way out that the host is yet to be told of.
 * @param path where to, in a folder of root's.
 */
export function fetch(url: string | Shell, path: string | Shell, way?: Shell): Shell {
  const more = way === undefined || way.text === '' ? sh`` : sh`${way} `;
  return sh`timeout 60 /usr/lib/apt/apt-helper -q -o APT::Sandbox::User=root -o Acquire::Retries=1 -o Acquire::https::Timeout=15 ${more}download-file ${url} ${path}`;
}
