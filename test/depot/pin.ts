import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  cniModule,
  containerdModule,
  coreDnsModule,
  crictlModule,
  crioModule,
  etcdModule,
  flannelModule,
  kubernetesModule,
  runcModule,
} from './gomodules.ts';
import { modulesFolder, pin } from './module.ts';
import { common, releases } from './release.ts';

// Pins the Go modules anew: npx tsx test/depot/pin.ts [NAME…]; all of them without a name.
const wanted = process.argv.slice(2);
const all = [
  ...releases.flatMap((r) => [
    kubernetesModule(r.kubernetes),
    crioModule(r.crio),
    etcdModule(r.etcd),
    coreDnsModule(r.coredns),
  ]),
  crictlModule(common.crictl),
  cniModule(common.cniPlugins),
  runcModule(common.runc),
  containerdModule(common.containerd),
  flannelModule(common.flannel),
];
const modules = new Map(all.map((module) => [module.name, module]));
for (const module of modules.values()) {
  if (wanted.length > 0 && !wanted.includes(module.name)) continue;
  const scratch = await mkdtemp(join(tmpdir(), 'landfall-pin-'));
  try {
    await pin(module, join(modulesFolder, module.name), scratch);
    console.log(`pinned ${module.name}`);
  } catch (error) {
    console.error(
      `${module.name}: ${error instanceof Error ? `${error.message}\n${'saw' in error ? error.saw : ''}` : error}`,
    );
    process.exitCode = 1;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
