/** The time of day, in ms since the epoch. It may jump, forwards and backwards. */
export interface Clock {
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };
