import { sh } from '../shell/sh.ts';
import { PKI } from './key-files.ts';
import { certificateNames } from './kubeadm-config.ts';
import type { Scene } from './phase.ts';
import { FILES } from './places.ts';
import type { Step } from './step.ts';

const PAIR = `${PKI}/apiserver`;

/** Where a new certificate is made before it takes the old one's place: on tmpfs, for root alone. */
const ASIDE = '/run/landfall/apiserver';

/** The certificate of the API server on the node asked has every name it is called by. Others that are in it are left. */
export function apiNames(scene: Scene, about: Pick<Step, 'id' | 'after'>): Step {
  const names = certificateNames(scene);
  return {
    ...about,
    title: 'Have every name of the API server in its certificate',
    why: 'A client refuses an API server whose certificate does not name what it was called by. kubeadm writes the certificate once; a name, or an address of this node, that is wished for later is put in by making it anew. Its key changes, its authority does not.',
    see: ['https://kubernetes.io/docs/tasks/administer-cluster/kubeadm/kubeadm-certs/'],
    disturbs: 'service',
    read: sh`
      there=,$(openssl x509 -in ${`${PAIR}.crt`} -noout -ext subjectAltName 2>/dev/null | tail -n 1 | tr -d ' '),
      for name in ${names}; do
        case $there in
          *",DNS:$name,"* | *",IPAddress:$name,"*) ;;
          *) echo "lacks $name" ;;
        esac
      done | grep . || echo 'all of them'`,
    want: 'all of them',
    // The API server reads the pair anew by itself when it has changed. Until both are whole, the old ones stay where they are.
    make: sh`
      rm -rf ${ASIDE}
      ( umask 077; mkdir -p ${ASIDE} )
      ln -s ${`${PKI}/ca.crt`} ${`${PKI}/ca.key`} ${ASIDE}/
      sed ${`s#^kind: ClusterConfiguration$#&\\ncertificatesDir: ${ASIDE}#`} ${FILES.kubeadm} >${ASIDE}/kubeadm.yaml
      # As long as anybody goes by another endpoint, its name stays.
      now=$(sed -n 's#^ *server: https://\(.*\):[0-9]*$#\1#p' /etc/kubernetes/admin.conf 2>/dev/null) || now=
      if [ -n "$now" ] && ! grep -qxF -e "    - $now" ${ASIDE}/kubeadm.yaml; then sed -i "s#^  certSANs:\$#&\n    - $now#" ${ASIDE}/kubeadm.yaml; fi
      kubeadm init phase certs apiserver --config ${ASIDE}/kubeadm.yaml
      for end in key crt; do
        cp -p ${ASIDE}/apiserver."$end" ${PKI}/.apiserver."$end".landfall
        sync ${PKI}/.apiserver."$end".landfall
      done
      for end in key crt; do mv -fT ${PKI}/.apiserver."$end".landfall ${PAIR}."$end"; done
      rm -rf ${ASIDE}`,
    clues: [
      {
        match: /^lacks /,
        means: 'a name is not in the certificate of the API server',
        try: 'kubeadm init phase certs apiserver --config /etc/kubernetes/landfall/kubeadm.yaml makes it anew where the old pair was moved away',
        diagnosis: 'H68',
      },
    ],
  };
}
