import { expect, it } from 'vitest';
import { parseStrangers } from './strangers.ts';

it('reads whom nft has written down, whatever stands first of time and count', () => {
  const text = `table inet landfall {
	set seen4 {
		type ipv4_addr . inet_proto . inet_service
		size 4096
		flags dynamic,timeout
		timeout 1d
		elements = { 10.210.0.1 . tcp . 10250 counter packets 4 bytes 240 timeout 1d expires 23h59m58s120ms,
			     203.0.113.9 . udp . 161 timeout 1d expires 23h58m counter packets 12 bytes 720 }
	}
}
table inet landfall {
	set seen6 {
		type ipv6_addr . inet_proto . inet_service
		size 4096
		elements = { 2001:db8::9 . tcp . 22 counter packets 1 bytes 80 timeout 1d expires 1h }
	}
}
`;
  expect(parseStrangers('cp-0', text)).toEqual([
    { host: 'cp-0', from: '203.0.113.9', protocol: 'udp', port: 161, packets: 12 },
    { host: 'cp-0', from: '10.210.0.1', protocol: 'tcp', port: 10250, packets: 4 },
    { host: 'cp-0', from: '2001:db8::9', protocol: 'tcp', port: 22, packets: 1 },
  ]);
  expect(parseStrangers('cp-0', '')).toEqual([]);
});
