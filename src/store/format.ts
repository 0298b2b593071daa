/**
 * The version of everything in the data directory: layout, keys, records, sealed values. It grows when
 * a reader of the version before would misread something; a growth comes with its migration.
 *
 *   1  the first
 */
export const FORMAT_VERSION = 1;
