/* parsers/builtin.h -- definitions for lines that no file knows.
 *
 * They are written as any other definition, and read by the same code, so that
 * CEF or JSON of an unknown product still gives the common fields.
 */
#ifndef YAGURA_PARSERS_BUILTIN_H
#define YAGURA_PARSERS_BUILTIN_H

/* Ends with NULL. */
extern const char *const builtin_definitions[];

#endif
