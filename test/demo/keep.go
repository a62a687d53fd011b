package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// shellFile sets up a shell as the demo's commands have it.
const shellFile = "shell"

// stayUp leaves everything running until a signal, and shows the daemon's log as it goes on.
func (s *stage) stayUp(ctx context.Context) error {
	path := filepath.Join(s.handed.folder, shellFile)
	if err := os.WriteFile(path, []byte(s.agent.shell()), 0o644); err != nil {
		return err
	}
	s.say("In this machine's browser, or for its Prometheus:")
	for _, page := range []string{"/", "/metrics", "/status"} {
		s.output(s.paint(bold, s.handed.url+page))
	}
	s.say("In another terminal, to be inside:")
	s.output(s.paint(bold, s.enterCommand(path)))
	s.say("and there, for example:")
	for _, line := range []string{
		"enitune status --config " + configFile,
		"ethtool -L eth1 rx 1 tx 1    # and look below",
		"ip -br link",
	} {
		s.output(line)
	}
	s.say("Below is the daemon's log as it goes on. Ctrl-C takes everything down.")
	s.daemon.log.follow(func(line string) { s.output(line) })
	select {
	case <-ctx.Done():
	case <-s.daemon.ended:
		return unexpected{what: "the daemon", want: "to run", got: s.daemon.cmd.ProcessState.String()}
	}
	s.daemon.log.follow(nil)
	s.blank()
	took, err := s.endDaemon()
	if err != nil {
		return err
	}
	s.ok("the daemon ended with exit code 0 after %s", millis(took))
	return nil
}

// enterCommand is what a user types to be where the agent is.
func (s *stage) enterCommand(shell string) string {
	user := ""
	if s.handed.userNamespace {
		user = "--preserve-credentials -U "
	}
	return fmt.Sprintf("nsenter %s-n -m -t %d sh %s", user, os.Getpid(), shell)
}

// shell is a script that starts a shell in the agent's environment.
func (a *agentBinary) shell() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cd %s\n", quote(a.folder))
	for _, assignment := range a.environ() {
		name, value, _ := strings.Cut(assignment, "=")
		if name != "TERM" { // the other terminal's own
			fmt.Fprintf(&b, "export %s=%s\n", name, quote(value))
		}
	}
	b.WriteString("PS1='inside the demo$ '\nexport PS1\nexec sh\n")
	return b.String()
}

// quote makes a text one word of the shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
