package errgroup

type Group struct{}

func (*Group) Go(func() error) {}
