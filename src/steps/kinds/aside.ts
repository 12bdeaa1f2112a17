import { type Shell, sh } from '../../shell/sh.ts';

/** What leads a line of somebody else's file that is set aside: a comment now, and as it was when this is taken away. */
export const ASIDE = '#landfall# ';

/**
 * Gives the file `$path` another text by one rename; its mode and owner stay.
 * @param print prints the text, from what the file holds.
 */
export function rewrite(print: Shell): Shell {
  return sh`
    cp -p "$path" "$path.landfall"
    ${print} >"$path.landfall"
    sync "$path.landfall"
    mv -fT "$path.landfall" "$path"`;
}

/** Sets aside the lines of the file `$path` for which a condition of awk holds, which has no single quotes. */
export function setAside(condition: Shell): Shell {
  return rewrite(sh`awk -v aside=${ASIDE} '${condition} { print aside $0; next } { print }' "$path"`);
}

/** Gives the lines that were set aside back to the file `$path`, when there are any. */
export const bringBack = sh`
  if grep -qs ${`^${ASIDE}`} "$path"; then
    ${rewrite(sh`sed ${`s/^${ASIDE}//`} "$path"`)}
  fi`;
