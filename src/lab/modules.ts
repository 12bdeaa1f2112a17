import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** Kernel features that Kubernetes and its network plugins load as modules: path below kernel/, and the option that builds it in. */
const FEATURES: readonly (readonly [module: string, option: string])[] = [
  ['fs/overlayfs/overlay', 'OVERLAY_FS'],
  ['fs/fuse/fuse', 'FUSE_FS'],
  ['net/bridge/bridge', 'BRIDGE'],
  ['net/bridge/br_netfilter', 'BRIDGE_NETFILTER'],
  ['drivers/net/veth', 'VETH'],
  ['drivers/net/vxlan/vxlan', 'VXLAN'],
  ['drivers/net/tun', 'TUN'],
  ['net/netfilter/nf_conntrack', 'NF_CONNTRACK'],
  ['net/netfilter/nf_nat', 'NF_NAT'],
  ['net/netfilter/nf_tables', 'NF_TABLES'],
  ['net/netfilter/nft_compat', 'NFT_COMPAT'],
  ['net/netfilter/x_tables', 'NETFILTER_XTABLES'],
  ['net/netfilter/xt_comment', 'NETFILTER_XT_MATCH_COMMENT'],
  ['net/netfilter/xt_conntrack', 'NETFILTER_XT_MATCH_CONNTRACK'],
  ['net/netfilter/xt_mark', 'NETFILTER_XT_MARK'],
  ['net/netfilter/ipset/ip_set', 'IP_SET'],
  ['net/netfilter/ipvs/ip_vs', 'IP_VS'],
  ['net/ipv4/netfilter/ip_tables', 'IP_NF_IPTABLES'],
  ['net/ipv4/netfilter/iptable_nat', 'IP_NF_NAT'],
  ['net/ipv4/netfilter/iptable_filter', 'IP_NF_FILTER'],
  ['net/ipv6/netfilter/ip6_tables', 'IP6_NF_IPTABLES'],
];

/**
 * The text of a `modules.builtin` for a kernel whose configuration is `config` (the text of /proc/config.gz): with it
 * and `depmod`, `modprobe` succeeds in a host for what is built in and fails for what is not. Without a configuration
 * (undefined) everything but IPVS is taken to be there.
 */
export function builtinModules(config: string | undefined): string {
  const built = (option: string) =>
    config === undefined ? option !== 'IP_VS' : config.includes(`\nCONFIG_${option}=y\n`);
  return FEATURES.filter(([, option]) => built(option))
    .map(([module]) => `kernel/${module}.ko\n`)
    .join('');
}

/** The running kernel's configuration, where it publishes it. */
export function kernelConfig(file = '/proc/config.gz'): string | undefined {
  return existsSync(file) ? gunzipSync(readFileSync(file)).toString('utf8') : undefined;
}
