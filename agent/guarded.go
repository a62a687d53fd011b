package agent

import (
	"fmt"
	"os"
)

// fileMode is that of every file of the state directory: any user may run plan
// --offline, none but the writer may write.
const fileMode = 0o644

// guarded is an error where every user may write: in such a folder, sticky or not,
// anyone can have another desired state at any time.
func guarded(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o002 != 0 {
		err = fmt.Errorf("every user may write to %s, so that anyone could say what is desired; chmod o-w %[1]s", path)
	}
	return err
}
