/**
 * The numbers that a partition gives to what it has for a destination: from 1 on, one after the other. A new
 * incarnation (a restore, a loss that was accepted) begins above all that can have been given before.
 */
const NUMBERS_OF_AN_INCARNATION = 2 ** 40;

/** @param incarnation 0 is the first */
export const firstNumberOf = (incarnation: number): number =>
  incarnation * NUMBERS_OF_AN_INCARNATION + 1;

/** Whether it is the first number of an incarnation, so that its data has given none before. */
export const isFirstNumber = (number: number): boolean => number % NUMBERS_OF_AN_INCARNATION === 1;

/** Which one gave a number. */
export const incarnationOf = (number: number): number =>
  Math.floor((number - 1) / NUMBERS_OF_AN_INCARNATION);
