import { sh } from '../shell/sh.ts';
import { APT_CLUES } from './clues.ts';
import { check } from './kinds/check.ts';
import { file } from './kinds/file.ts';
import { APT, patient, updateIndexes } from './kinds/packages.ts';
import type { Scene } from './phase.ts';
import { FILES, NOTES } from './places.ts';
import type { Step } from './step.ts';

/** Kernels made for trying out, which nobody signs or keeps: refused, as is the way they get in. */
export function mainlineCheck(): Step {
  return check(
    {
      id: 'preflight/mainline-kernel',
      title: 'Have a kernel its distribution stands behind',
      why: 'The mainline builds of kernel.ubuntu.com are made to try things out: unsigned, without security updates, and against libraries of another release, so that they go in only when the books of dpkg are falsified. Landfall builds on no such kernel.',
      see: ['https://wiki.ubuntu.com/Kernel/MainlineBuilds'],
      clues: [
        {
          match: /^mainline: /,
          means:
            'a mainline kernel is installed; where its Depends: was edited in /var/lib/dpkg/status, every upgrade trusts what is not true',
          try: 'boot the kernel of the distribution (linux-generic, or its HWE kernel: host.kernel: newer), then apt-get purge the packages shown',
          diagnosis: 'H01',
        },
      ],
    },
    {
      read: sh`
        found=$({ uname -r | sed 's/^/linux-image-/'; dpkg-query -W -f ${'${db:Status-Status} ${Package}\\n'} 'linux-*' 2>/dev/null | sed -n 's/^[uih][a-z-]*ed //p'; } |
          grep -e '^linux-[a-z-]*-[0-9][0-9.]*-[0-9]\{6\}\(rc[0-9]*\)\{0,1\}\(-[a-z0-9]*\)\{0,1\}$' | sort -u | paste -sd ' ')
        if [ -n "$found" ]; then echo "mainline: $found"; else echo 'no mainline kernel'; fi`,
      want: 'no mainline kernel',
    },
  );
}

/** The newer kernel of the same release, when it is wanted. A lab host has no kernel of its own. */
export function newerKernelSteps({ cluster, facts }: Scene): readonly Step[] {
  if (cluster.host.kernel !== 'newer' || facts.lab !== undefined) return [];
  return facts.os === 'ubuntu' ? hwe(facts.osVersion) : backports(facts.codename, facts.architecture);
}

const ABOUT = {
  id: 'system/kernel',
  title: 'Install the newer kernel of this release',
  why: 'It knows newer hardware. Unlike a kernel from elsewhere it is signed, gets its security updates with everything else, and fits the libraries it lives with.',
  after: ['prepare/dpkg'],
  clues: APT_CLUES,
} as const;

const statusOf = '${db:Status-Status}';

/** Ubuntu's: a metapackage a flavour, which takes the host to each newer kernel until the next release. */
function hwe(release: string): readonly Step[] {
  const flavour = sh`
    flavour=generic
    case $(dpkg-query -W -f ${statusOf} linux-virtual 2>/dev/null) in installed) flavour=virtual ;; esac
    package=linux-$flavour-hwe-${release}`;
  return [
    {
      ...ABOUT,
      see: ['https://ubuntu.com/kernel/lifecycle'],
      read: sh`
        ${flavour}
        case $(dpkg-query -W -f ${statusOf} "$package" 2>/dev/null) in installed) echo installed ;; *) echo "$package is not installed" ;; esac`,
      want: 'installed',
      make: sh`
        ${flavour}
        ${updateIndexes}
        ${patient(sh`${APT} install --install-recommends "$package"`)}`,
      undo: sh`
        ${flavour}
        if [ -e ${NOTES.packages} ] && ! grep -qx "$package" ${NOTES.packages}; then
          # The kernels it brought stay until another one runs: apt autoremove takes them then.
          ${patient(sh`dpkg --purge "$package"`)}
        fi`,
    },
  ];
}

/** Debian's: the same metapackage, from the backports of the release. */
function backports(codename: string, architecture: string): readonly Step[] {
  const suite = `${codename}-backports`;
  const name = sh`
    package=linux-image-${architecture}
    case $(dpkg-query -W -f ${statusOf} linux-image-cloud-${architecture} 2>/dev/null) in installed) package=linux-image-cloud-${architecture} ;; esac`;
  return [
    file(
      {
        id: 'system/backports',
        title: 'Tell apt of the backports',
        why: `Debian's newer kernels for ${codename} lie in a suite of their own. apt takes nothing from it but what it is asked for by name.`,
        see: ['https://backports.debian.org/Instructions/'],
      },
      { path: FILES.backports, content: `deb http://deb.debian.org/debian ${suite} main\n` },
    ),
    {
      ...ABOUT,
      see: ['https://backports.debian.org/'],
      after: ['prepare/dpkg', 'system/backports'],
      read: sh`
        ${name}
        case $(dpkg-query -W -f ${'${db:Status-Status} ${Version}'} "$package" 2>/dev/null) in
          'installed '*~bpo*) echo installed ;;
          *) echo "$package is not from ${suite}" ;;
        esac`,
      want: 'installed',
      make: sh`
        ${name}
        ${updateIndexes}
        ${patient(sh`${APT} install -t ${suite} "$package"`)}`,
      undo: sh`
        ${name}
        case $(dpkg-query -W -f ${'${Version}'} "$package" 2>/dev/null) in *~bpo*)
          # The kernels it brought stay until another one runs: apt autoremove takes them then.
          if grep -qx "$package" ${NOTES.packages} 2>/dev/null; then
            ${patient(sh`${APT} install --allow-downgrades "$package"/${codename}`)}
          else
            ${patient(sh`dpkg --purge "$package"`)}
          fi ;;
        esac`,
    },
  ];
}
