package cluster

import (
	"testing"
	"time"
)

func TestIDsRiseWhereTheStreamIsCreatedAgain(t *testing.T) {
	now := time.Now()
	before, after := configuration(now, 1), configuration(now.Add(time.Second), 1)
	if before.FirstSeq != uint64(now.UnixMicro()) || after.FirstSeq < before.FirstSeq+900_000 {
		t.Errorf("first sequences %d and, a second later, %d", before.FirstSeq, after.FirstSeq)
	}
}
