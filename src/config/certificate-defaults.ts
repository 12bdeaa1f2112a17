import type { Certificates } from '../model/certificates.ts';
import { completeCertificates } from './defaults.ts';
import { certificates } from './schema-certificates.ts';

/** How certificates are kept when cluster.yaml does not speak of them. */
export const CERTIFICATE_DEFAULTS: Certificates = completeCertificates(certificates.parse({}));
