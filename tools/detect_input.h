/* tools/detect_input.h -- a line becomes an event that rules may look at.
 *
 * For commands that run rules over files instead of a stream: `detect` and
 * `rules test`. A JSON object in one of the shapes Sigma users know is taken
 * as it is; everything else goes through the definitions, which are loaded
 * when the first such line comes, and through enrichment.
 */
#ifndef YAGURA_TOOLS_DETECT_INPUT_H
#define YAGURA_TOOLS_DETECT_INPUT_H

#include "engine/slice.h"

struct conf;
struct detect_input;
struct diag;
struct event;

/* The configuration is borrowed. Never NULL. */
struct detect_input *detect_input_new(const struct conf *conf);
void detect_input_free(struct detect_input *input);

/* Fills the fresh event, whose raw line is event->raw, and seals it. */
void detect_input_read(struct detect_input *input, struct event *event);

/* As the daemon does it: definitions only, whatever the shape; this one if it
 * is named, else the one that is found. Not sealed. */
void detect_input_parse(struct detect_input *input, struct event *event,
    struct slice def);

/* What loading definitions and context had to say; printed once, at the end
 * of the program's own findings. */
const struct diag *detect_input_findings(const struct detect_input *input);

#endif
