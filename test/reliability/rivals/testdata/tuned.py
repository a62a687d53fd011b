"""Runs the real TuneD of an unpacked package, without D-Bus, by a profile of a test.

usage: tuned.py TREE WORK    (TREE: where the packages are unpacked, WORK: a folder)

Its code is unchanged. Instead of /etc, /run and /var it is given WORK, and it is told
that veth pairs named eth* are hardware, because it leaves virtual NICs alone.
"""

import runpy
import sys
import types

tree, work = sys.argv[1:3]
sys.path.insert(0, tree + "/usr/lib/python3/dist-packages")

bus = types.ModuleType("tuned.exports.dbus_exporter")  # the real one needs D-Bus to be loaded
bus.DBusExporter = type("DBusExporter", (), {})
sys.modules[bus.__name__] = bus

import tuned.consts as consts

for name in ("ACTIVE_PROFILE_FILE", "PROFILE_MODE_FILE", "POST_LOADED_PROFILE_FILE", "RECOMMEND_CONF_FILE",
             "DEFAULT_STORAGE_FILE", "GLOBAL_CONFIG_FILE"):
    setattr(consts, name, work + "/" + name.lower())
consts.LOAD_DIRECTORIES = [work + "/profiles"]
consts.PERSISTENT_STORAGE_DIR = work

from tuned.hardware.inventory import Inventory

plain = Inventory.get_devices


class Hardware:
    def __init__(self, device):
        self.sys_name = device.sys_name
        self.device_path = device.device_path.replace("/virtual/", "/pci/")


Inventory.get_devices = lambda self, subsystem: [Hardware(d) for d in plain(self, subsystem) if d.sys_name.startswith("eth") and "-" not in d.sys_name]

sys.argv = ["tuned", "--debug", "--no-dbus", "--no-socket", "--pid", work + "/pid", "--log", work + "/log", "--profile", "rival"]
runpy.run_path(tree + "/usr/sbin/tuned", run_name="__main__")
