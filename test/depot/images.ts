import { join } from 'node:path';
import { beyondBase, debianBase, folder, iptablesLinks, layerOf, link, program } from './base.ts';
import { imageCode, type ImageParts, putImage } from './image.ts';
import type { Recipe } from './recipe.ts';

/** Gives the recipe for the pause images: kubeadm's and CRI-O's. They answer `-v`, which an upgrade's preflight asks. */
export function pauseImages(tags: readonly string[], parts: ImageParts): Recipe {
  return {
    id: 'images-pause',
    title: 'pause images',
    inputs: { code: imageCode('images.ts'), tags: tags.join(' ') },
    needs: [parts.pause],
    seconds: 1,
    tools: [],
    async build({ out, of }) {
      for (const tag of tags) {
        const layers = [layerOf([await program('pause', join(of(parts.pause), `pause-${tag}`))])];
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
    inputs: { code: imageCode('images.ts'), tag },
    needs: [parts.debian, parts.kubernetes],
    seconds: 5,
    tools: [],
    async build({ out, scratch, of }) {
      const more = ['curl', 'iproute2', 'netcat-openbsd'];
      const layers = [
        await debianBase(of(parts.debian), scratch),
        layerOf(await beyondBase(of(parts.debian), more, scratch)),
        layerOf([
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
    inputs: { code: imageCode('images.ts'), tag, pluginTag },
    needs: [parts.debian, parts.flannel],
    seconds: 5,
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
        layers: [base, layerOf([...more, ...iptablesLinks]), layerOf(own)],
        config: { Entrypoint: ['/opt/bin/flanneld'] },
        from: parts.flannel.title,
      });
      await putImage(out, {
        name: `ghcr.io/flannel-io/flannel-cni-plugin:${pluginTag}`,
        layers: [base, layerOf([await program('flannel', join(bin, 'flannel'))])],
        config: { Cmd: ['/bin/sh'] },
        from: `${parts.flannel.title}, CNI plugin`,
      });
    },
  };
}
