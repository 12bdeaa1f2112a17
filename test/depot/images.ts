import { join } from 'node:path';
import { Problem } from '../../src/model/problem.ts';
import { beyondBase, debianBase, folder, layerOf, link, program, staticBase, text } from './base.ts';
import { code } from './code.ts';
import { execText } from './exec.ts';
import { putImage, splitName } from './image.ts';
import type { Recipe } from './recipe.ts';
import type { Release } from './release.ts';
import { netBindService, type TarEntry } from './tar.ts';

const made = code('images.ts', 'base.ts', 'image.ts', 'oci.ts', 'tar.ts', 'rootfs.ts');
const certificates = 'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt';

/** What an image's recipe needs. */
export interface ImageParts {
  readonly debian: Recipe;
  readonly kubernetes: Recipe;
  readonly etcd: Recipe;
  readonly coredns: Recipe;
  readonly flannel: Recipe;
  readonly pause: Recipe;
}

/** Links the names `iptables` and its kin go by to the kernel's newer interface, as Debian's alternatives do. */
const iptablesLinks: readonly TarEntry[] = ['iptables', 'ip6tables'].flatMap((name) =>
  ['', '-save', '-restore'].map((ending) => link(`usr/sbin/${name}${ending}`, `${name}-nft${ending}`)),
);

/**
 * Gives the recipe for the images of a Kubernetes version. Which ones, and under which tags, its own kubeadm says
 * (`kubeadm config images list`); each is filled with what was built, with upstream's entry point, user and paths.
 */
export function kubernetesImages(release: Release, parts: ImageParts): Recipe {
  const version = release.kubernetes;
  return {
    id: `images-kubernetes-${version}`,
    title: `images of Kubernetes ${version}`,
    inputs: { code: made, release: JSON.stringify(release) },
    needs: [parts.debian, parts.kubernetes, parts.etcd, parts.coredns],
    seconds: 20,
    tools: [],
    async build({ out, scratch, of }) {
      const bin = of(parts.kubernetes);
      const base = await staticBase(of(parts.debian), scratch);
      const proxyBase = await layerOf([
        ...(await beyondBase(
          of(parts.debian),
          ['conntrack', 'ipset', 'iptables', 'kmod', 'nftables'],
          scratch,
        )),
        ...iptablesLinks,
      ]);
      const server = [base, await layerOf([await program('go-runner', join(bin, 'go-runner'))])];
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
            const own = await layerOf([await program(`usr/local/bin/${short}`, join(bin, short), xattrs)]);
            const config = { Entrypoint: ['/go-runner'], User: '0', Env: [certificates] };
            await putImage(out, { name, layers: [...server, own], config, from: kubernetes });
            break;
          }
          case 'kube-proxy': {
            const own = await layerOf([await program('usr/local/bin/kube-proxy', join(bin, 'kube-proxy'))]);
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
            const layers = [base, await layerOf(await Promise.all(programs))];
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
              layers: [base, await layerOf([own])],
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

/** Gives the recipe for the pause images: kubeadm's and CRI-O's. They answer `-v`, which an upgrade's preflight asks. */
export function pauseImages(tags: readonly string[], parts: ImageParts): Recipe {
  return {
    id: 'images-pause',
    title: 'pause images',
    inputs: { code: made, tags: tags.join(' ') },
    needs: [parts.pause],
    seconds: 1,
    tools: [],
    async build({ out, of }) {
      for (const tag of tags) {
        const layers = [await layerOf([await program('pause', join(of(parts.pause), `pause-${tag}`))])];
        const config = { Entrypoint: ['/pause'], User: '65535:65535' };
        await putImage(out, { name: `registry.k8s.io/pause:${tag}`, layers, config, from: `pause ${tag}` });
      }
    },
  };
}

/** Gives the recipe for the image that end-to-end tests ask questions with: `/agnhost` beside a shell, curl, nc and ip. */
export function agnhostImage(tag: string, parts: ImageParts): Recipe {
  return {
    id: `images-agnhost-${tag}`,
    title: 'agnhost image',
    inputs: { code: made, tag },
    needs: [parts.debian, parts.kubernetes],
    seconds: 8,
    tools: [],
    async build({ out, scratch, of }) {
      const more = ['curl', 'iproute2', 'netcat-openbsd'];
      const layers = [
        await debianBase(of(parts.debian), scratch),
        await layerOf(await beyondBase(of(parts.debian), more, scratch)),
        await layerOf([
          folder('uploads'),
          await program('agnhost', join(of(parts.kubernetes), 'agnhost')),
          link('agnhost-2', 'agnhost'),
          link('usr/bin/nc', '/bin/nc.openbsd'),
        ]),
      ];
      const ExposedPorts = Object.fromEntries(
        [80, 5000, 8080, 8081, 9376].map((port) => [`${port}/tcp`, {}]),
      );
      const config = { Entrypoint: ['/agnhost'], Cmd: ['pause'], ExposedPorts };
      const name = `registry.k8s.io/e2e-test-images/agnhost:${tag}`;
      await putImage(out, { name, layers, config, from: parts.kubernetes.title });
    },
  };
}

/** Gives the recipe for flannel's two images, under the tags its own manifest names. */
export function flannelImages(tag: string, pluginTag: string, parts: ImageParts): Recipe {
  return {
    id: `images-flannel-${tag}`,
    title: 'flannel images',
    inputs: { code: made, tag, pluginTag },
    needs: [parts.debian, parts.flannel],
    seconds: 8,
    tools: [],
    async build({ out, scratch, of }) {
      const base = await debianBase(of(parts.debian), scratch);
      const bin = of(parts.flannel);
      const more = await beyondBase(of(parts.debian), ['iproute2', 'iptables', 'nftables'], scratch);
      const own = [
        folder('opt'),
        folder('opt/bin'),
        await program('opt/bin/flanneld', join(bin, 'flanneld')),
        await program('opt/bin/install-conf', join(bin, 'install-conf')),
      ];
      await putImage(out, {
        name: `ghcr.io/flannel-io/flannel:${tag}`,
        layers: [base, await layerOf([...more, ...iptablesLinks]), await layerOf(own)],
        config: { Entrypoint: ['/opt/bin/flanneld'] },
        from: parts.flannel.title,
      });
      await putImage(out, {
        name: `ghcr.io/flannel-io/flannel-cni-plugin:${pluginTag}`,
        layers: [base, await layerOf([await program('flannel', join(bin, 'flannel'))])],
        config: { Cmd: ['/bin/sh'] },
        from: `${parts.flannel.title}, CNI plugin`,
      });
    },
  };
}

const nginxConf = `user nginx;
worker_processes 1;
pid /run/nginx.pid;
error_log /dev/stderr notice;
events {
  worker_connections 512;
}
http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  access_log /dev/stdout;
  sendfile on;
  keepalive_timeout 65;
  include /etc/nginx/conf.d/*.conf;
}
`;

const nginxSite = `server {
  listen 80;
  listen [::]:80;
  location / {
    root /usr/share/nginx/html;
    index index.html;
  }
}
`;

const welcome = `<!DOCTYPE html>
<html>
<head><title>Welcome to nginx!</title></head>
<body>
<h1>Welcome to nginx!</h1>
<p>This page is served from inside a pod.</p>
</body>
</html>
`;

/** Gives the recipe for an nginx image: Debian's nginx, laid out like the image everybody knows. */
export function nginxImage(tag: string, parts: ImageParts): Recipe {
  return {
    id: `images-nginx-${tag}`,
    title: 'nginx image',
    inputs: { code: made, tag },
    needs: [parts.debian],
    seconds: 8,
    tools: [],
    async build({ out, scratch, of }) {
      const own: readonly TarEntry[] = [
        text('etc/nginx/nginx.conf', nginxConf),
        folder('etc/nginx/conf.d'),
        text('etc/nginx/conf.d/default.conf', nginxSite),
        text('usr/share/nginx/html/index.html', welcome),
        text('docker-entrypoint.sh', '#!/bin/sh\nexec "$@"\n', 0o755),
        ...['run', 'var', 'var/log', 'var/log/nginx', 'var/lib', 'var/lib/nginx'].map((path) => folder(path)),
        link('var/log/nginx/access.log', '/dev/stdout'),
        link('var/log/nginx/error.log', '/dev/stderr'),
      ];
      const more = await beyondBase(of(parts.debian), ['curl', 'nginx-light'], scratch);
      const kept = more.filter((entry) => !own.some((other) => other.path === entry.path));
      await putImage(out, {
        name: `docker.io/library/nginx:${tag}`,
        layers: [await debianBase(of(parts.debian), scratch), await layerOf([...kept, ...own])],
        config: {
          Entrypoint: ['/docker-entrypoint.sh'],
          Cmd: ['nginx', '-g', 'daemon off;'],
          ExposedPorts: { '80/tcp': {} },
          StopSignal: 'SIGQUIT',
        },
        from: 'nginx of Debian',
      });
    },
  };
}
