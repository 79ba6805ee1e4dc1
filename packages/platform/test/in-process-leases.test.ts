import { createInProcessLeases } from '@conclave/platform';
import { leasesContract } from '@conclave/testkit/contracts';

leasesContract('in process', async () => createInProcessLeases());
