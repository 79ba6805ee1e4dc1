import { busContract } from '@conclave/testkit/contracts';
import { createInProcessBus, silentLog, systemClock } from '@conclave/platform';

busContract('in process', async () => {
  const bus = createInProcessBus({ clock: systemClock, log: silentLog });
  return { bus, destroy: () => bus.close() };
});
