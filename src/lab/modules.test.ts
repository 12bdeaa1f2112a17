import { describe, expect, it } from 'vitest';
import { builtinModules } from './modules.ts';

describe('builtinModules', () => {
  it('lists what the kernel has built in, and not what it has as a module or not at all', () => {
    const config = '#\nCONFIG_OVERLAY_FS=y\nCONFIG_VXLAN=m\n# CONFIG_IP_VS is not set\n';
    expect(builtinModules(config)).toBe('kernel/fs/overlayfs/overlay.ko\n');
  });
  it('believes in all but IPVS where the kernel does not say', () => {
    const text = builtinModules(undefined);
    expect(text).toContain('/br_netfilter.ko');
    expect(text).not.toContain('ip_vs');
  });
});
