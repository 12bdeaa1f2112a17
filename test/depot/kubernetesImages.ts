import { join } from 'node:path';
import { Problem } from '../../src/model/problem.ts';
import { beyondBase, debianBase, iptablesLinks, layerOf, program, staticBase } from './base.ts';
import { execText } from './exec.ts';
import { imageCode, type ImageParts, putImage, splitName } from './image.ts';
import type { Recipe } from './recipe.ts';
import type { Release } from './release.ts';
import { netBindService } from './tar.ts';

const certificates = 'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt';

/**
 * Gives the recipe for the images of a Kubernetes version. Which ones, and under which tags, its own kubeadm says
 * (`kubeadm config images list`); each is filled with what was built, with upstream's entry point, user and paths.
 */
export function kubernetesImages(release: Release, parts: ImageParts): Recipe {
  const version = release.kubernetes;
  return {
    id: `images-kubernetes-${version}`,
    title: `images of Kubernetes ${version}`,
    inputs: { code: imageCode('kubernetesImages.ts'), release: JSON.stringify(release) },
    needs: [parts.debian, parts.kubernetes, parts.etcd, parts.coredns],
    seconds: 8,
    tools: [],
    async build({ out, scratch, of }) {
      const bin = of(parts.kubernetes);
      const base = await staticBase(of(parts.debian), scratch);
      const proxyBase = layerOf([
        ...(await beyondBase(
          of(parts.debian),
          ['conntrack', 'ipset', 'iptables', 'kmod', 'nftables'],
          scratch,
        )),
        ...iptablesLinks,
      ]);
      const server = [base, layerOf([await program('go-runner', join(bin, 'go-runner'))])];
      const listed = await execText([
        join(bin, 'kubeadm'),
        'config',
        'images',
        'list',
        '--kubernetes-version',
        `v${version}`,
      ]);
      for (const name of listed.split('\n')) {
        const { repository, tag } = splitName(name);
        const short = repository.slice(repository.lastIndexOf('/') + 1);
        const kubernetes = `Kubernetes ${version}`;
        switch (short) {
          case 'kube-apiserver':
          case 'kube-controller-manager':
          case 'kube-scheduler': {
            const xattrs = short === 'kube-apiserver' ? netBindService : undefined;
            const own = layerOf([await program(`usr/local/bin/${short}`, join(bin, short), xattrs)]);
            const config = { Entrypoint: ['/go-runner'], User: '0', Env: [certificates] };
            await putImage(out, { name, layers: [...server, own], config, from: kubernetes });
            break;
          }
          case 'kube-proxy': {
            const own = layerOf([await program('usr/local/bin/kube-proxy', join(bin, 'kube-proxy'))]);
            const layers = [await debianBase(of(parts.debian), scratch), proxyBase, server[1] ?? base, own];
            await putImage(out, {
              name,
              layers,
              config: { Entrypoint: ['/go-runner'], User: '0' },
              from: kubernetes,
            });
            break;
          }
          case 'etcd': {
            const names = ['etcd', 'etcdctl', 'etcdutl'];
            const programs = names.map((file) =>
              program(`usr/local/bin/${file}`, join(of(parts.etcd), file)),
            );
            const layers = [base, layerOf(await Promise.all(programs))];
            const config = { Cmd: ['etcd'], User: '0', ExposedPorts: { '2379/tcp': {}, '2380/tcp': {} } };
            await putImage(out, { name, layers, config, from: `etcd ${release.etcd}` });
            break;
          }
          case 'coredns': {
            const own = await program('coredns', join(of(parts.coredns), 'coredns'), netBindService);
            const ExposedPorts = { '53/tcp': {}, '53/udp': {} };
            const config = {
              Entrypoint: ['/coredns'],
              User: 'nonroot:nonroot',
              Env: [certificates],
              ExposedPorts,
            };
            await putImage(out, {
              name,
              layers: [base, layerOf([own])],
              config,
              from: `CoreDNS ${release.coredns}`,
            });
            break;
          }
          case 'pause':
            break; // a recipe of its own: CRI-O asks for it too, under another tag
          default:
            throw new Problem({
              code: 'depot/image',
              summary: `kubeadm asks for ${name} (${tag}), which is not known here`,
            });
        }
      }
    },
  };
}
