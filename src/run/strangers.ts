import pMap from 'p-map';
import type { Stranger } from '../model/stranger.ts';
import { parseRecords } from '../shell/parse.ts';
import { sh } from '../shell/sh.ts';
import { parseStrangers, strangersScript } from '../steps/strangers.ts';
import { plainScript } from './script.ts';
import { AT_ONCE, hostOf, type Site } from './survey.ts';

/** Asks these hosts whom their firewall has met and not let in, in one round trip each. One that does not answer has met nobody. */
export async function meetStrangers(site: Site, names: readonly string[]): Promise<readonly Stranger[]> {
  const script = plainScript(sh`say strangers "$(b64 "$(${strangersScript})")"`);
  const met = await pMap(
    names,
    async (name) => {
      const { stdout } = await hostOf(site, name)
        .run(script)
        .catch(() => ({ stdout: '' }));
      const said = parseRecords(stdout).find((r) => r.is === 'said' && r.word === 'strangers');
      return said?.is === 'said' ? parseStrangers(name, said.texts[0] ?? '') : [];
    },
    { concurrency: AT_ONCE },
  );
  return met.flat();
}
