/* SIGINT and SIGTERM: the first asks to stop, the second does not wait. */
#ifndef HG_CLI_SIGNALS_H
#define HG_CLI_SIGNALS_H

/* Nonzero once a signal has come. */
extern volatile int hg_stop_asked;

/* From now on; `message` (static text with a newline) goes to standard error when the first signal comes. */
void hg_signals_catch(const char *message);

#endif
