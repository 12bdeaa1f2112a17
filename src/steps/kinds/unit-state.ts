import { type Shell, sh } from '../../shell/sh.ts';
import { NOTES, OWN } from '../places.ts';

/**
 * Notes whether a unit started at boot and ran, before it is changed for the first time.
 * @param unit its name, or shell that gives it as one word: `"$unit"`.
 */
export function noteUnit(unit: string | Shell): Shell {
  const notes = NOTES.units;
  return sh`
    mkdir -p ${OWN}
    if ! cut -d ' ' -f 1 ${notes} 2>/dev/null | grep -qxF -e ${unit}; then
      printf '%s %s %s\n' ${unit} "$(systemctl show -p UnitFileState --value ${unit} | sed 's/^$/none/')" "$(systemctl show -p ActiveState --value ${unit})" >>${notes}
      sync ${notes}
    fi`;
}

/**
 * Has units start at boot and run as {@link noteUnit} found them, and forgets the note.
 * @param pattern which of the noted units: a basic regular expression that matches the whole name.
 */
export function restoreUnits(pattern: string): Shell {
  const notes = NOTES.units;
  return sh`
    if [ -e ${notes} ]; then
      systemctl daemon-reload
      grep -e ${`^${pattern} `} ${notes} | while read -r unit state active; do
        case $state in
          enabled*) systemctl -q unmask "$unit" || :; systemctl -q enable "$unit" || : ;;
          disabled) systemctl -q disable "$unit" || : ;;
          masked*) ;;
          *) systemctl -q unmask "$unit" || : ;;
        esac
        case $active in active) systemctl start "$unit" || : ;; *) systemctl stop "$unit" 2>/dev/null || : ;; esac
      done
      grep -v -e ${`^${pattern} `} ${notes} >${`${notes}.new`} || :
      mv -T ${`${notes}.new`} ${notes}
    fi`;
}
