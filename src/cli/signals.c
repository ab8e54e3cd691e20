#include "cli/signals.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

volatile int hg_stop_asked;
static const char *said = "";

/* Only what a handler may call. */
static void on_signal(int signal_number) {
  (void)signal_number;
  if (hg_stop_asked) _exit(130);
  hg_stop_asked = 1;
  ssize_t written = write(STDERR_FILENO, said, strlen(said));
  (void)written;
}

void hg_signals_catch(const char *message) {
  said = message;
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  struct sigaction before;
  if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, NULL); /* nohup stays */
}
