import { beyondBase, debianBase, folder, layerOf, link, text } from './base.ts';
import { imageCode, type ImageParts, putImage } from './image.ts';
import type { Recipe } from './recipe.ts';
import type { TarEntry } from './tar.ts';

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
    inputs: { code: imageCode('nginxImage.ts'), tag },
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
        layers: [await debianBase(of(parts.debian), scratch), layerOf([...kept, ...own])],
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
