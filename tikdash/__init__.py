"""The project package: settings, web and worker entry points, and the kernel that all apps stand on."""
