import type { ImageFile } from './concession.ts';
import { type LabHost, subnet } from './spec.ts';

/**
 * What a cloud tells cloud-init of a host, as files on its disk: its name, its network as an installer writes it, and that passwords
 * may be used to log in. That /etc/hosts is kept by cloud-init is said by the image.
 */
export function cloudSeed({ name, address }: LabHost, network: number): readonly ImageFile[] {
  const net = subnet(network);
  const second = (last: string | undefined): string => `fd77:0:0:${network}::${last}`;
  const dir = 'var/lib/cloud/seed/nocloud';
  return [
    { path: `${dir}/meta-data`, text: `instance-id: lab-${name}\nlocal-hostname: ${name}\n` },
    { path: `${dir}/user-data`, text: '#cloud-config\nssh_pwauth: true\n' },
    {
      path: `${dir}/network-config`,
      text: `version: 2
ethernets:
  eth0:
    addresses:
    - ${address}/24
    - ${second(address.split('.')[3])}/64
    nameservers:
      addresses:
      - ${net.depot}
    routes:
    - to: default
      via: ${net.bridge}
    - to: "::/0"
      via: ${second('1')}
`,
    },
  ];
}
