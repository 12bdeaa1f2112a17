import { heredoc, type Shell, sh } from '../shell/sh.ts';
import { AS_ROOT, login } from './login-way.ts';
import { wishedPort } from './login.ts';
import { answering } from './node.ts';
import type { Scene } from './phase.ts';
import { SSH_STATE } from './places.ts';
import { ROLLBACK_SECONDS } from './rollback.ts';
import { PROVEN, WAY_BACK } from './sshd.ts';
import type { Step } from './step.ts';

/** Leaves word on the host of who has come in and through which port. */
const NOTE = `umask 022
mkdir -p ${SSH_STATE}
echo "$1 \${2##* }" >${PROVEN}.$$
mv ${PROVEN}.$$ ${PROVEN}
echo 'landfall: noted'
`;

/** Whether the word left there lately is of a login as this one is: by this user, through this port. */
const LOOK = `port=\${SSH_CONNECTION##* }
note=$(find ${PROVEN} -mmin -5 -exec cat {} + 2>/dev/null)
if [ "$note" = "$(id -un) $port" ]; then noted='and noted there'; else noted='not noted there lately'; fi
echo "landfall: in through port $port, $noted"
`;

const OLD_PORTS = `sed 's/^/landfall: /' ${WAY_BACK} 2>/dev/null
`;

/**
 * On the operator's machine: a second login to every node, through the port sshd is to listen on, before anything is closed.
 * It leaves word on the host, which closes nothing without: so neither a list cut short nor a part of it alone locks anybody out.
 */
export function loginProof(scene: Scene): readonly Step[] {
  const { cluster } = scene;
  const nodes = answering(scene);
  const port = wishedPort(scene);
  const { passwords, rootLogin } = cluster.host.ssh ?? {};
  if (port === undefined && passwords === undefined && rootLogin === undefined) return [];
  const way = login(port === undefined ? sh`` : sh`-p ${port}`);
  const each = (call: string): Shell =>
    nodes
      .map((n) => sh`${call} ${n.name} ${n.address}`)
      .reduce(
        (all, one) => sh`${all}
${one}`,
      );
  const itsPort = port === undefined ? sh` | sed 's/through port [0-9]*,/through its port,/'` : sh``;
  const through = port === undefined ? 'its port' : `port ${port}`;
  return [
    {
      id: 'login/answers',
      title: port === undefined ? 'Log in once more from here' : `Log in from here through port ${port}`,
      why: 'A firewall on the way, a forwarded port, a line of sshd_config: what keeps you out shows only from where you are. So a second login is made, beside the first, before anything is closed.',
      see: ['man 1 ssh'],
      read: sh`
        seen() {
          said=$(${way} "$2" 'exec sh -s' 2>&1 ${heredoc(LOOK)}
        ) || :
          echo "$1: $(printf '%s\n' "$said" | sed -n 's/^landfall: //p'${itsPort} | grep . || printf '%s\n' "$said" | tail -n 1)"
        }
        ${each('seen')}`,
      want: nodes.map(({ name }) => `${name}: in through ${through}, and noted there`).join('\n'),
      make: sh`
        knock() {
          ${way} "$2" ${AS_ROOT} ${heredoc(NOTE)}
        }
        ${each('knock')}`,
      undo: sh`
        back() {
          old=$(${login(sh``)} "$2" 'exec sh -s' 2>/dev/null ${heredoc(OLD_PORTS)}
        ) || return 0
          old=$(printf '%s\n' "$old" | sed -n 's/^landfall: //p')
          [ -n "$old" ] || return 0
          for port in $old; do
            if ${login(sh`-p "$port"`)} "$2" ${AS_ROOT} ${heredoc(NOTE)}
            then return 0; fi
          done
          echo "$1 does not answer on its old port ($old)"; return 1
        }
        ${each('back')}`,
      clues: [
        {
          match: /timed out|No route to host/i,
          means: `packets to the new port are dropped on the way: a firewall, on the host or before it. The old port is still open, and in ${ROLLBACK_SECONDS / 60} minutes the host takes the new one back`,
          try: `open it${port === undefined ? '' : `, on a host with ufw: ufw allow ${port}/tcp; at a provider, in its own firewall`}; then run it again`,
          diagnosis: 'H04',
        },
        {
          match: /Connection refused/i,
          means:
            'something on the way refuses the new port, though sshd listens on it: a firewall that rejects, or a forwarding that does not know it. The old port is still open',
          try: 'open or forward the new port as well; then run it again',
          diagnosis: 'H04',
        },
        {
          match: /in through port \d+/,
          means:
            'what answers here under the new port is another port of the host: something on the way translates ports',
          try: 'let the new port lead to the same port of the host; then run it again',
        },
        {
          match:
            /Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|No .* host key is known/i,
          means: 'known_hosts says something else of this host under its new port',
          try: 'ssh-keygen -R "[ADDRESS]:PORT" forgets what is known of it; then run it again, or landfall hosts trust',
        },
        {
          match: /Permission denied|Not allowed/i,
          means:
            'sshd lets us in on the old port and not on the new one: a Match LocalPort, or AllowUsers with a port',
          try: 'on the host: grep -rn -e LocalPort -e AllowUsers /etc/ssh/sshd_config /etc/ssh/sshd_config.d',
        },
      ],
    },
  ];
}
